// Small things that every part of the page needs.

export const $ = id => document.getElementById(id);

// words: what it says; without, what stands beside it does.
export const icon = (name, words) => {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  if (words) svg.setAttribute('role', 'img');
  if (words) svg.setAttribute('aria-label', words);
  else svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
};

// An element: make('li', 'own', 'text', child...).
export function make(tag, className, ...content) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  e.append(...content);
  return e;
}

export const press = (button, on) => button.setAttribute('aria-pressed', String(!!on));

export function toast(message, kind = 'error') {
  const close = make('button', '', '×');
  const box = make('div', `toast ${kind}`, make('p', '', message), close);
  close.title = 'Dismiss';
  close.onclick = () => box.remove();
  document.getElementById('toasts').append(box);
  setTimeout(() => box.remove(), kind === 'error' ? 10_000 : 3500);
}

// A disc with the first letter, in the same colour for the same name on every page.
export function paint(avatar, name) {
  let hue = 7;
  for (const c of name) hue = (hue * 31 + c.codePointAt(0)) % 360;
  avatar.textContent = [...name][0]?.toUpperCase() ?? '?';
  avatar.style.setProperty('--hue', hue);
}

// Browsers may keep nothing: then it is for this visit only.
function memory(storage) {
  const here = new Map();
  return {
    get: key => {
      try {
        return globalThis[storage].getItem(key) ?? '';
      } catch {
        return here.get(key) ?? '';
      }
    },
    set: (key, value) => {
      here.set(key, value);
      try {
        globalThis[storage].setItem(key, value ?? '');
      } catch {
        // it is here
      }
    },
  };
}

// What the page remembers between visits; and in this tab alone.
export const kept = memory('localStorage'), session = memory('sessionStorage');

// What the conference puts into a peer's metadata.
export function notes(peer) {
  try {
    return JSON.parse(peer.metadata || '{}') ?? {};
  } catch {
    return {};
  }
}
