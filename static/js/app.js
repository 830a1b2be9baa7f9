/** Starts what the page at hand needs. */

import { watchJobs } from "./jobs.js";
import { watchJob } from "./job.js";
import { newJob } from "./new.js";

const list = document.querySelector("[data-jobs]");
const job = document.getElementById("job");
const form = document.getElementById("new-job");
if (list) watchJobs(list);
if (job) watchJob(job);
if (form) newJob(form);
