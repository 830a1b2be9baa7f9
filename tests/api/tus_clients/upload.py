"""Uploads a file with tuspy, going on where an earlier run stopped: FILE, ENDPOINT, TOKEN, STATE, DATASET."""

import sys

from tusclient.client import TusClient
from tusclient.storage.filestorage import FileStorage

path, endpoint, token, state, dataset = sys.argv[1:]
client = TusClient(endpoint, headers={"Authorization": f"Bearer {token}"})
uploader = client.uploader(
    path,
    chunk_size=4 << 20,
    metadata={"dataset": dataset, "filename": "large.csv"},
    store_url=True,
    url_storage=FileStorage(state),
    upload_checksum=True,
)
size = uploader.get_file_size()
while uploader.offset < size:
    uploader.upload_chunk()
    print("at", uploader.offset, flush=True)
print("url", uploader.url, flush=True)
