// Says what came to the worklist, and leaves the worklist alone.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openPage, runScript, stopTime } from "./page.js";

const LINE = '<p data-arrivals="7" hidden></p>';

function asked(body, told) {
  const opened = openPage(body);
  const clock = stopTime(opened);
  const sent = [];
  opened.fetch = async (address, { method }) => {
    sent.push([address, method]);
    return { ok: true, json: async () => told };
  };
  runScript(opened, "arrivals.js");
  return { clock, sent, said: () => document.querySelector("p") };
}

const settled = () => new Promise((done) => { setImmediate(done); });

for (const [told, words] of [
  [{ cases: 1, adjudicated: 0 }, "1 new case"],
  [{ cases: 12, adjudicated: 1 }, "12 new cases; 1 case that you signed was adjudicated"],
  [{ cases: 0, adjudicated: 2 }, "2 cases that you signed were adjudicated"],
  [{ cases: 0, adjudicated: 0 }, ""],
]) {
  test(`${words || "nothing"} is said of ${JSON.stringify(told)}`, async () => {
    const { clock, sent, said } = asked(LINE, told);
    clock.pass(19_000);
    assert.deepEqual(sent, []);
    clock.pass(1000);
    await settled();
    assert.deepEqual(sent, [["/arrivals?since=7", "POST"]]);
    assert.equal(said().textContent, words);
    assert.equal(said().hidden, !words);
  });
}

test("a page that shows no worklist asks nothing", async () => {
  const { clock, sent } = asked("<p></p>", {});
  clock.pass(60_000);
  await settled();
  assert.deepEqual(sent, []);
});

test("what is said of a worklist that was drawn anew meanwhile is not shown", async () => {
  const { clock, said } = asked(LINE, { cases: 3, adjudicated: 0 });
  clock.pass(20_000);
  said().dataset.arrivals = "9";
  await settled();
  assert.equal(said().hidden, true);
});
