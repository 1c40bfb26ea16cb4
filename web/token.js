// The token that a page is opened with.

import {session} from './page.js';

// It comes in the fragment, which browsers send to nobody; it is taken out of the address at once,
// so that a shared screen does not show it, and kept for this tab.
function takeFragment(hash) {
  const given = new URLSearchParams(hash.replace(/^.*#/, ''));
  if (given.get('token')) session.set('token', given.get('token'));
  if (given.get('room') || given.get('token')) session.set('room', given.get('room'));
}

// An address, or a token alone.
export const takeToken = text => takeFragment(text.includes('#') ? text : `token=${text}`);

export function takeAddress() {
  takeFragment(location.hash);
  if (location.hash) history.replaceState(null, '', location.pathname);
}

// What the token says. Only the server can tell whether it is true.
export function claims(token) {
  try {
    const bytes = Uint8Array.from(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
