// Uploads a file with tus-js-client, going on where an earlier run stopped: FILE, ENDPOINT, TOKEN, STATE, DATASET.
import fs from "node:fs";
import tus from "tus-js-client";

const [path, endpoint, token, state, dataset] = process.argv.slice(2);
const upload = new tus.Upload(fs.createReadStream(path), {
  endpoint,
  chunkSize: 4 * 1024 * 1024,
  uploadSize: fs.statSync(path).size,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { dataset, filename: "large.csv" },
  urlStorage: new tus.FileUrlStorage(state),
  fingerprint: async () => path,
  retryDelays: [100],
  onChunkComplete: (_, at) => console.log("at", at),
  onError: (error) => {
    console.error(error.message);
    process.exit(1);
  },
  onSuccess: () => console.log("url", upload.url),
});
const before = await upload.findPreviousUploads();
if (before.length) upload.resumeFromPreviousUpload(before[0]);
upload.start();
