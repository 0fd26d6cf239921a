// Part of the shell where people sign in: keeps the key of this page, which no other address gets.
//
// A cookie goes to every port of the machine, so whoever serves one is sent that of the session. What
// is kept under this address the browser gives to no other; without it the connection is not opened
// (ui/host/door.py). It comes once, behind the # of the address, after the password.

const KEPT = "triptych-page-key";
const AGAIN = "/sign-in?again";

const given = /^#page=([0-9a-f]{64})$/.exec(window.location.hash);
if (given) {
  window.localStorage.setItem(KEPT, given[1]);
  const { pathname, search } = window.location;
  window.history.replaceState(window.history.state, "", pathname + search);
}
const key = window.localStorage.getItem(KEPT);
if (!key) window.location.replace(AGAIN); // what was kept has been cleared

const Socket = window.WebSocket;
window.WebSocket = class extends Socket {
  constructor(address, protocols = []) {
    // Asked anew each time: another tab may have signed in since.
    super(address, [...[protocols].flat(), `triptych.${window.localStorage.getItem(KEPT) ?? "none"}`]);
  }
};
