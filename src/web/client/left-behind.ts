// A page that the browser keeps whole to go back to (HTML Standard, "back/forward cache") is asked for anew where somebody
// has logged out since. `Clear-Site-Data` of the log-out does that over HTTPS alone.

/** When somebody was last led to the log-in in this browser, milliseconds since the epoch. */
const key = 'kinora.logged-out';

export function startLeavingNothing(): void {
  const shownMs = Date.now();
  try {
    if (location.pathname === '/login') localStorage.setItem(key, String(shownMs));
  } catch {
    // Without storage nothing is known, and nothing kept for sure either.
    return;
  }
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted && Number(localStorage.getItem(key)) > shownMs) location.reload();
  });
}
