"""The pages of the console, one function each.

The folder is not called pages: Streamlit would run such a folder's files as pages of their own.
"""
