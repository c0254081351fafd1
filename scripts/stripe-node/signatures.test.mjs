// Stripe's own package signs, and the gateway verifies.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import Stripe from "stripe";

const stripe = new Stripe("sk_test_unused");
const now = 1_790_000_000;
const body = JSON.stringify({ id: "evt_1", type: "x", data: { object: { name: "Ünïcode 😀" } } }, null, 2);

let child, answers;
before(() => {
  child = spawn(process.env.VERIFY_WEBHOOK, [], { stdio: ["pipe", "pipe", "inherit"] });
  answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
});
after(() => child.stdin.end());

const sign = (secret, timestamp = now, payload = body) =>
  stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
const v1 = (header) => header.split("v1=")[1];

/** Whether the gateway believes it. */
const believes = async (header, { secrets = "whsec_a", at = now, payload = body } = {}) => {
  const question = { header, body: payload, secrets, now: at };
  child.stdin.write(`${JSON.stringify(question)}\n`);
  return (await answers.next()).value === "good";
};

/** Whether the package itself believes it. */
const packageBelieves = (header, { secrets = "whsec_a", at = now, payload = body } = {}) =>
  secrets.split(",").some((secret) => {
    try {
      stripe.webhooks.constructEvent(payload, header, secret, 300, undefined, at * 1000);
      return true;
    } catch {
      return false;
    }
  });

const both = async (header, how, expected) => {
  assert.equal(await believes(header, how), expected, `ours: ${header}`);
  assert.equal(packageBelieves(header, how), expected, `the package's: ${header}`);
};

test("what the package signs is believed, and what it does not believe is not", async () => {
  const good = sign("whsec_a");
  await both(good, {}, true);
  await both(good, { secrets: "whsec_b,whsec_a" }, true);
  await both(good, { secrets: "whsec_b" }, false);
  await both(good, { payload: body.replace("evt_1", "evt_2") }, false);
  await both(good, { payload: JSON.stringify(JSON.parse(body)) }, false);
  await both(sign("whsec_a", now - 299), {}, true);
  await both(sign("whsec_a", now - 301), {}, false);
  await both(`t=${now},v0=${v1(good)}`, {}, false);
  await both(`t=${now},v1=${"0".repeat(64)},v1=${v1(good)}`, {}, true);
  await both(`t=${now},v1=${v1(good)},v1=${v1(sign("whsec_b"))}`, { secrets: "whsec_b" }, true);
  await both(`t=${now + 1},v1=${v1(good)}`, {}, false);
  await both("", {}, false);
});

test("what is signed for a time to come is not believed, unlike by the package", async () => {
  const header = sign("whsec_a", now + 301);
  assert.equal(await believes(header), false);
  assert.equal(await believes(sign("whsec_a", now + 299)), true);
});
