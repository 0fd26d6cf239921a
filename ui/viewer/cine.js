// Slider, play and speed for an image of several frames.

import { mark, put, say } from "./changes.js";

const SPEEDS = [2, 5, 10, 15, 24, 30];

export function createCine(frames, act) {
  const bar = document.createElement("div");
  bar.className = "bar cine";
  bar.hidden = frames < 2;
  const play = document.createElement("button");
  play.type = "button";
  play.className = "tool wide";
  play.addEventListener("click", () => act("play"));
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: 1, max: frames, step: 1, value: 1 });
  slider.setAttribute("aria-label", "Frame");
  slider.addEventListener("input", () => act("plane", Number(slider.value) - 1));
  const number = document.createElement("output");
  const speed = document.createElement("select");
  speed.setAttribute("aria-label", "Speed");
  for (const rate of SPEEDS) speed.add(new Option(`${rate} per second`, rate));
  speed.value = 10;
  let timer = 0;
  const stop = () => {
    clearInterval(timer);
    timer = 0;
  };
  const start = () => {
    stop();
    timer = setInterval(() => act("advance"), 1000 / Number(speed.value));
  };
  const show = (plane) => {
    say(play, timer ? "Pause" : "Play");
    mark(play, "aria-label", timer ? "Pause (key G)" : "Play (key G)");
    put(slider, plane + 1);
    say(number, `${plane + 1} of ${frames}`);
  };
  speed.addEventListener("change", () => { if (timer) start(); });
  bar.append(play, slider, number, speed);
  return {
    bar, show, stop,
    toggle() {
      if (frames < 2) return;
      if (timer) stop();
      else start();
    },
  };
}
