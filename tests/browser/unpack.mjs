// Unpack the Chromium of npm's @sparticuz/chromium, its shared libraries and its fonts into node_modules/.chromium/.
import { createReadStream, createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createBrotliDecompress } from "node:zlib";
import tar from "tar-fs";

const packed = fileURLToPath(new URL("node_modules/@sparticuz/chromium/bin/", import.meta.url));
const out = fileURLToPath(new URL("node_modules/.chromium/", import.meta.url));
const unpack = (name, into) => pipeline(createReadStream(packed + name), createBrotliDecompress(), into);

mkdirSync(out, { recursive: true });
await unpack("chromium.br", createWriteStream(out + "chromium", { mode: 0o755 }));
await unpack("al2023.tar.br", tar.extract(out)); // libnss3 and others, into lib/
await unpack("fonts.tar.br", tar.extract(out)); // Open Sans, into fonts/
// Its own fonts.conf looks only where AWS Lambda has fonts.
writeFileSync(out + "fonts.conf", `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${out}fonts</dir><dir>/usr/share/fonts</dir><cachedir>${out}fonts-cache</cachedir>
</fontconfig>
`);
