// A person buys in the demo with a browser: the fake card page, the order paid by webhook, a refund, and
// books that agree.
//
// SCREENSHOTS names a folder to keep pictures of the pages in.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const run = promisify(execFile);
const { COMMERCE, CHROMIUM, SCREENSHOTS } = process.env;

/** The environment, without settings of a shop of somebody else's. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(COMMERCE|STRIPE)_/.test(name)),
);

let folder, server, greeting, browser, page;
const complaints = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "commerce-browser-"));
  const options = { cwd: folder, env: environment, stdio: ["ignore", "pipe", "ignore"] };
  server = spawn(COMMERCE, ["serve", "--demo", "--listen", "127.0.0.1:0"], options);
  greeting = await new Promise((resolve, reject) => {
    let text = "";
    createInterface({ input: server.stdout }).on("line", (line) => {
      text += `${line}\n`;
      if (line.includes("token ")) resolve(text);
    });
    server.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
  browser = await chromium.launchPersistentContext(join(folder, "browser"), {
    executablePath: CHROMIUM,
    headless: true,
    viewport: { width: 1200, height: 900 },
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
});

after(async () => {
  await browser?.close();
  server?.kill();
  await rm(folder, { recursive: true, force: true });
});

const said = (what) => greeting.match(new RegExp(`${what} +(.*)`))[1];
const picture = async (name) => {
  if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
};

/** The program with a command: what it prints and how it ends. */
const commerce = async (args, more = {}) => {
  const options = { cwd: folder, env: { ...environment, ...more } };
  return run(COMMERCE, args, options).catch((error) => error);
};

/** Waits until a field of the order says something. */
const shows = (id, text) => page.locator(`#${id}`, { hasText: new RegExp(`^${text}$`) }).waitFor();

const payByCard = async (number) => {
  await page.locator("#card_number").fill(number);
  await page.locator("#expiry").fill("12/34");
  await page.locator("#cvc").fill("123");
  await page.locator("#pay").click();
};

test("a person buys with the fake card page", async () => {
  await page.goto(said("demo"));
  const towel = page.locator("article", { hasText: "Linen tea towel" });
  await towel.getByRole("button", { name: "Add to cart" }).click();
  await page.locator("#cart", { hasText: "1 × " }).waitFor();
  await towel.getByRole("button", { name: "Add to cart" }).click();
  await page.locator("#cart", { hasText: "2 × " }).waitFor();
  await page.locator("#cart .total", { hasText: "28.90" }).waitFor();
  await picture("shop");
  assert.deepEqual(complaints, []);

  await page.getByRole("button", { name: "Pay by card" }).click();
  await page.locator("#pay", { hasText: "Pay 28.90 EUR" }).waitFor();
  await picture("card");
  await payByCard("4000000000000002");
  await page.getByRole("alert").waitFor();
  await payByCard("4242424242424242");

  // Back in the shop, which hears of the payment from Stripe and not from this browser.
  await shows("payment_status", "paid");
  assert.equal(await page.locator("#status").textContent(), "confirmed");
  assert.equal(await page.locator("#payments .payment").count(), 1);
  await picture("paid");
});

test("the back office gives half of it back, and the books agree", async () => {
  const created = await commerce(["token", "create", "--scope", "admin"]);
  const headers = { authorization: `Bearer ${created.stdout.trim()}` };
  const api = `${said("listening")}/api/v1`;
  const orders = await (await fetch(`${api}/orders`, { headers })).json();
  assert.equal(orders.items.length, 1);
  const [order] = orders.items;
  assert.deepEqual(order.paid_total, { amount: 2890, currency: "EUR" });
  const refunded = await fetch(`${api}/orders/${order.id}/refunds`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json", "idempotency-key": "half of it" },
    body: JSON.stringify({ amount: { amount: 1445, currency: "EUR" }, reason: "A stain" }),
  });
  assert.equal(refunded.status, 201, await refunded.text());
  await shows("payment_status", "partially refunded");
  await page.locator("#payments .refund", { hasText: "A stain" }).waitFor();
  await picture("refunded");

  const [, url, key] = said("cards").match(/at (\S+) with the key (\S+)/);
  const day = order.placed_at.slice(0, 10);
  const compared = await commerce(["reconcile", "--from", day], {
    STRIPE_SECRET_KEY: key,
    COMMERCE_STRIPE_API: url,
  });
  assert.match(compared.stdout, /2 movements at the provider[^]*no difference/);
  assert.equal(compared.code ?? 0, 0);
});

test("who leaves the card page pays later", async () => {
  await page.getByRole("button", { name: "Back to the shop" }).click();
  const towel = page.locator("article", { hasText: "Linen tea towel" });
  await towel.getByRole("button", { name: "Add to cart" }).click();
  await page.locator("#cart .total").waitFor();
  await page.getByRole("button", { name: "Pay by card" }).click();
  await page.locator("#cancel").click();
  await shows("payment_status", "requires action");
  await page.getByRole("button", { name: "Pay by card" }).click();
  await payByCard("4242424242424242");
  await shows("payment_status", "paid");
  // The card that was declined is an answer of the fake's page, and no fault of the shop's.
  assert.deepEqual(complaints.filter((complaint) => !complaint.includes("402")), []);
});
