// node server.mjs MODEL.gguf: OpenAI's chat completions from a real engine with random weights, the worst adviser
// there is. It obeys the schema that it is given, and nothing else. Prints its address once it listens.
import { createServer } from "node:http";
import { getLlama, LlamaCompletion } from "node-llama-cpp";
import { writeModel } from "./model.mjs";

const path = process.argv[2];
const seed = Number(process.argv[3] ?? 1);
writeModel(path, seed);
const llama = await getLlama({ gpu: false, build: "never", maxThreads: 1, logLevel: "error" });
const model = await llama.loadModel({ modelPath: path });
const context = await model.createContext({ contextSize: 2048, threads: 1 });
const completion = new LlamaCompletion({ contextSequence: context.getSequence() });
const grammars = new Map();
let asked = 0;

async function answer(request) {
  const schema = structuredClone(request.response_format?.json_schema?.schema);
  let grammar;
  if (schema) {
    if (schema.properties?.reason) schema.properties.reason.maxLength = 12;  // or random weights write for ever
    const key = JSON.stringify(schema);
    if (!grammars.has(key)) grammars.set(key, await llama.createGrammarForJsonSchema(schema));
    grammar = grammars.get(key);
  }
  // The last words of the prompt; with random weights the rest would only take time.
  const prompt = String(request.messages?.at(-1)?.content ?? "").slice(-64);
  return completion.generateCompletion(prompt, {
    grammar, maxTokens: 160, temperature: 1, topK: 0, topP: 1, seed: seed * 1000003 + ++asked,
  });
}

let queue = Promise.resolve();
const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (d) => parts.push(d));
  request.on("end", () => {
    queue = queue.then(async () => {
      let body, status = 200;
      try {
        if (request.method === "GET") {
          body = { object: "list", data: [{ id: "random", object: "model" }] };
        } else {
          const content = await answer(JSON.parse(Buffer.concat(parts).toString()));
          body = { choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }] };
        }
      } catch (e) {
        status = 500;
        body = { error: { message: String(e) } };
      }
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify(body));
    });
  });
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/v1`));
