// Writes a tiny language model with random weights in GGUF: a real engine runs it, and it knows nothing.
import { writeFileSync } from "node:fs";

const kEmbedding = 32, kHeads = 2, kFeedForward = 64, kContext = 4096;

// A small generator of our own, so that a seed gives the same model everywhere (mulberry32).
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const chunks = [];
let size = 0;
const put = (b) => { chunks.push(b); size += b.length; };
const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32LE(n); put(b); };
const u64 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(n)); put(b); };
const f32 = (n) => { const b = Buffer.alloc(4); b.writeFloatLE(n); put(b); };
const text = (s) => { const b = Buffer.from(s, "utf8"); u64(b.length); put(b); };
const kU32 = 4, kI32 = 5, kF32 = 6, kText = 8, kArray = 9;
const scalar = { [kU32]: u32, [kI32]: u32, [kF32]: f32, [kText]: text };

export function writeModel(path, seed) {
  chunks.length = size = 0;
  const draw = random(seed);
  const tokens = ["<unk>", "<s>", "</s>"], types = [2, 3, 3];
  for (let i = 0; i < 256; ++i) { tokens.push(`<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`); types.push(6); }
  tokens.push("\u2581"); types.push(1);
  for (let c = 33; c < 127; ++c) { tokens.push(String.fromCharCode(c)); types.push(1); }

  const keys = [
    ["general.architecture", kText, "llama"],
    ["general.name", kText, "random"],
    ["llama.context_length", kU32, kContext],
    ["llama.embedding_length", kU32, kEmbedding],
    ["llama.block_count", kU32, 1],
    ["llama.feed_forward_length", kU32, kFeedForward],
    ["llama.attention.head_count", kU32, kHeads],
    ["llama.attention.layer_norm_rms_epsilon", kF32, 1e-5],
    ["llama.rope.dimension_count", kU32, kEmbedding / kHeads],
    ["tokenizer.ggml.model", kText, "llama"],
    ["tokenizer.ggml.tokens", kArray, [kText, tokens]],
    ["tokenizer.ggml.scores", kArray, [kF32, tokens.map((_, i) => -i)]],
    ["tokenizer.ggml.token_type", kArray, [kI32, types]],
    ["tokenizer.ggml.bos_token_id", kU32, 1],
    ["tokenizer.ggml.eos_token_id", kU32, 2],
  ];
  const e = kEmbedding, f = kFeedForward, v = tokens.length;
  const tensors = [
    ["token_embd.weight", [e, v]], ["output_norm.weight", [e], 1], ["output.weight", [e, v]],
    ["blk.0.attn_norm.weight", [e], 1], ["blk.0.attn_q.weight", [e, e]], ["blk.0.attn_k.weight", [e, e]],
    ["blk.0.attn_v.weight", [e, e]], ["blk.0.attn_output.weight", [e, e]], ["blk.0.ffn_norm.weight", [e], 1],
    ["blk.0.ffn_gate.weight", [e, f]], ["blk.0.ffn_up.weight", [e, f]], ["blk.0.ffn_down.weight", [f, e]],
  ];

  put(Buffer.from("GGUF"));
  u32(3);
  u64(tensors.length);
  u64(keys.length);
  for (const [key, type, value] of keys) {
    text(key);
    u32(type);
    if (type !== kArray) { scalar[type](value); continue; }
    u32(value[0]);
    u64(value[1].length);
    for (const item of value[1]) scalar[value[0]](value[0] === kI32 ? item >>> 0 : item);
  }
  let offset = 0;
  const count = (dims) => dims.reduce((a, b) => a * b, 1);
  for (const [name, dims] of tensors) {
    text(name);
    u32(dims.length);
    for (const d of dims) u64(d);
    u32(0);  // float32
    u64(offset);
    offset += Math.ceil(count(dims) * 4 / 32) * 32;
  }
  const pad = () => { if (size % 32) put(Buffer.alloc(32 - size % 32)); };
  pad();
  for (const [, dims, constant] of tensors) {
    const b = Buffer.alloc(count(dims) * 4);
    for (let i = 0; i < b.length; i += 4) b.writeFloatLE(constant ?? (draw() * 2 - 1) * 0.3, i);
    put(b);
    pad();
  }
  writeFileSync(path, Buffer.concat(chunks));
}
