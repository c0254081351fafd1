// Starts the fake, and pulls its levers.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { createServer } from "node:http";
import Stripe from "stripe";

/** Starts a fake Stripe, and a client of Stripe's own making that talks to it. */
export async function start() {
  const child = spawn(process.env.FAKE_STRIPE, [], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", (line) => resolve([line]));
    child.once("exit", (code) => reject(new Error(`the fake ended with ${code}`)));
  });
  const [url, key] = line.split(" ");
  const { hostname, port } = new URL(url);
  const client = (options = {}) =>
    new Stripe(key, { host: hostname, port, protocol: "http", telemetry: false, ...options });
  const pull = async (lever, body = {}) => {
    const answer = await fetch(`${url}/_fake/${lever}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${lever}: ${answer.status} ${text}`);
    return text;
  };
  return { url, client, stripe: client(), pull, stop: () => child.kill() };
}

/** A shop that takes webhooks. */
export async function shop() {
  const received = [];
  const waiting = [];
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts);
      received.push({ body, signature: request.headers["stripe-signature"] });
      response.end();
      waiting.forEach((look) => look());
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  /** Waits until so many webhooks were received. */
  const wait = (count) =>
    new Promise((resolve) => {
      const look = () => received.length >= count && resolve(received);
      waiting.push(look);
      look();
    });
  const url = `http://127.0.0.1:${server.address().port}/`;
  return { url, received, wait, stop: () => server.close() };
}
