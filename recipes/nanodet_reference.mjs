// What TensorFlow.js gives for one random picture: node recipes/nanodet_reference.mjs package/models runs/nanodet/reference
import fs from "node:fs";
import * as tf from "@tensorflow/tfjs";

const [models, out] = process.argv.slice(2);
const graph = JSON.parse(fs.readFileSync(`${models}/nanodet.json`, "utf8"));
const weights = fs.readFileSync(`${models}/nanodet.bin`);
await tf.setBackend("cpu");
const network = await tf.loadGraphModel({
  load: async () => ({
    modelTopology: graph.modelTopology,
    weightSpecs: graph.weightsManifest[0].weights,
    weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.length),
    signature: graph.signature,
  }),
});
const picture = tf.randomNormal([1, 3, 416, 416], 0, 1, "float32", 0);
const ends = [0, 1, 2, 3, 4, 5].map((end) => (end === 0 ? "Identity" : `Identity_${end}`));
const found = await network.executeAsync({ [network.inputs[0].name]: picture }, ends);
const bytes = async (tensor) => Buffer.from((await tensor.data()).buffer);
fs.mkdirSync(out, { recursive: true });
fs.writeFileSync(`${out}/picture.raw`, await bytes(picture));
fs.writeFileSync(`${out}/places.raw`, Buffer.concat(await Promise.all(found.map(bytes))));
