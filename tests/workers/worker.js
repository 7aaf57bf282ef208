// A worker for Node with nats.js, by consume() with FETCH messages ahead; see worker.py for its messages, its records and the
// other variables.
const fs = require("node:fs");
const { setTimeout: sleep } = require("node:timers/promises");

const burn = process.env.JOB === "burn";
const records = fs.openSync(process.env.RECORD_FILE, "a");

async function work(message) {
  const [number, intended, jobUs] = message.string().split(" ");
  const begun = BigInt(Date.now()) * 1000000n;
  fs.writeSync(records, `${number} ${intended} ${begun} ${process.pid}\n`);
  if (burn) {
    const start = process.cpuUsage().user;
    while (process.cpuUsage().user - start < Number(jobUs)) {}
  } else {
    await sleep(Number(jobUs) / 1000);
  }
  message.ack();
}

async function main() {
  await sleep(1000 * Number(process.env.START_SECONDS || 0));
  const { connect } = require("nats");
  const connection = await connect({ servers: process.env.NATS_URL, maxReconnectAttempts: -1 });
  const consumer = await connection.jetstream().consumers.get("EVENTS", "WORKERS");
  const messages = await consumer.consume({ max_messages: Number(process.env.FETCH || 1) });
  process.on("SIGTERM", () => messages.stop());
  for await (const message of messages) await work(message);
  await connection.drain();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
