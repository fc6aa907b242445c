"""Data: what was delivered, what was imported or refused and why; a file that is dropped is checked, then uploaded."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from storecast.client import uploads
from storecast.client.model import Pipeline
from storecast.console import asking, checking, parts, words

_MOST = 1_000  # files that are listed


def page() -> None:
    pipeline = parts.pipeline()
    st.dataframe(
        [
            {"dataset": each.kind, "files": each.files, "size": words.size(each.bytes)}
            | {"newest": words.moment(each.newest), "folder": each.uri}
            for each in asking.ask(uploads.folders, pipeline)
        ],
        hide_index=True,
    )
    _quarantine(pipeline)
    st.subheader("Upload")
    kind = st.segmented_control(
        "Dataset",
        known := checking.kinds(asking.dataset().name, pipeline),
        default=known[0],
        required=True,
        key=pipeline,
    )
    _upload(pipeline, kind)
    with st.expander(f"What is in {kind}"):
        st.dataframe(
            [
                {"file": each.key.rpartition("/")[2], "size": words.size(each.size)}
                | {"uploaded": words.moment(each.modified)}
                for each in asking.ask(uploads.delivered, pipeline, kind)[:_MOST]
            ],
            hide_index=True,
        )


def _quarantine(pipeline: Pipeline) -> None:
    found = asking.ask(uploads.quarantine, pipeline)
    st.subheader("Quarantine")
    if not found:
        st.markdown("Empty: no file was refused.")
    for each in found:
        with st.expander(f"{each.kind}/{each.file} · {words.moment(each.moved)}", icon=":material/report:"):
            st.markdown(parts.code(each.reason))
            st.caption(f"Next: {each.next_step}" if each.next_step else "")
            st.caption(each.uri)


def _upload(pipeline: Pipeline, kind: str) -> None:
    """Check at once, on this machine; upload when a person says so."""
    dropped = st.file_uploader(f"Files of {kind}", accept_multiple_files=True, key=f"files-{pipeline}-{kind}")
    if not dropped:
        return
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for each in dropped:
            paths.append(Path(folder, Path(each.name).name))
            paths[-1].write_bytes(each.getbuffer())
        checked = checking.check(asking.dataset().name, kind, paths)
        for problem in checked.refused:
            st.error(parts.code(problem))
        for note in checked.notes:
            st.info(note)
        if checked.refused:
            st.markdown("Fix the files and drop them again. A run would put them into quarantine.")
            return
        st.success(
            f"{checked.rows:,} rows in {parts.counted(len(paths), 'file')} are fine."
            if checked.checked
            else checked.why
        )
        if st.button(f"Upload to {kind}, which starts a run", type="primary", icon=":material/cloud_upload:"):
            for path in paths:
                uploads.upload(asking.aws(), asking.dataset(), pipeline, kind, path)
            asking.forget()
            st.success("Uploaded. The page **Runs** shows the run that it starts.")
