// Tells the style sheet how much of the window stands above the film: bars and warnings, which are of
// any number of lines. The rest is the film's (case.css). And each case begins at the top of its page.

const PAGE = ".stMainBlockContainer > .stVerticalBlock";
const READING = ".st-key-reading";
const NAME = ".masthead h1";
const ABOVE = "--above";

let watched = null;
let named = null; // the case, or the page, that was at its top

function measure() {
  const reading = document.querySelector(READING);
  const main = document.querySelector(".stMain");
  const name = document.querySelector(NAME)?.textContent ?? named;
  if (main && name !== named) {
    named = name;
    main.scrollTo(0, 0);
  }
  if (!reading || !main) return;
  const above = reading.getBoundingClientRect().top - main.getBoundingClientRect().top + main.scrollTop;
  document.documentElement.style.setProperty(ABOVE, `${Math.ceil(above)}px`);
}

// What is above changes with the page's height, and is then measured before anything is drawn.
const observer = new ResizeObserver(measure);

function watch() {
  measure();
  const page = document.querySelector(PAGE);
  if (!page || page === watched) return;
  watched = page;
  observer.disconnect();
  observer.observe(page);
}

new MutationObserver(watch).observe(document.documentElement, {
  subtree: true,
  attributeFilter: ["data-test-script-state"],
});
