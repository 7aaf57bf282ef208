// A worker of a pg-boss queue: it takes up to five jobs at a time and does one after the other, PROCESS_TIME_MS each. At SIGTERM
// it takes no further jobs, finishes those in hand and ends: that is what boss.stop() does, for `timeout` at most.
const fs = require('fs');
const {PgBoss} = require('pg-boss');

const queue = process.env.QUEUE || 'mail';
const record = process.env.RECORD_FILE;  // a line for each job that was done; for tests

async function work(jobs) {
  for (const job of jobs) {
    await new Promise((done) => setTimeout(done, Number(process.env.PROCESS_TIME_MS || 100)));
    if (record) fs.appendFileSync(record, `${job.data.n}\n`);
  }
}

async function main() {
  const boss = new PgBoss({connectionString: process.env.DATABASE_URL || 'postgres://localhost/app', max: 2});
  boss.on('error', (error) => console.error(error.message));  // without this line a lost database ends the process
  // First of all: a signal that comes while it starts must not end it in the middle of something.
  for (const signal of ['SIGTERM', 'SIGINT'])
    process.once(signal, () => boss.stop({graceful: true, timeout: 10000}).then(() => process.exit(0)));
  await boss.start();
  await boss.createQueue(queue);  // nothing, where it is there
  await boss.work(queue, {batchSize: 5, pollingIntervalSeconds: 0.5}, work);
}
main().catch((error) => { console.error(error.message); process.exit(1); });
