// A worker of a BullMQ queue: one job at a time, PROCESS_TIME_MS each. At SIGTERM it takes no further job, finishes the one in
// hand and ends: that is what worker.close() does, and docktor waits for it as long as stop_grace_period says.
const fs = require('fs');
const {Worker} = require('bullmq');

const url = new URL(process.env.REDIS_URL || 'redis://localhost:6379');
const seconds = Number(process.env.PROCESS_TIME_MS || 100) / 1000;
const record = process.env.RECORD_FILE;  // a line for each job that was done; for tests

async function work(job) {
  await new Promise((done) => setTimeout(done, 1000 * seconds));
  if (record) fs.appendFileSync(record, `${job.data.n}\n`);
}

const worker = new Worker(process.env.QUEUE || 'mail', work, {
  connection: {host: url.hostname, port: Number(url.port || 6379), maxRetriesPerRequest: null},
  concurrency: 1,
});
worker.on('error', (error) => console.error(error.message));  // without this line a lost server ends the process
worker.on('failed', (job, error) => console.error(`job ${job?.id}: ${error.message}`));

for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => worker.close().then(() => process.exit(0)));
