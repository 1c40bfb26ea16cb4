// How large a picture is on the page, and whether anybody can see it: so that no more is asked of
// the server than is looked at.

const SETTLED = 250; // ms after which a new size is told; a window that is dragged tells once

// What to want of a track that these elements show. seen: [{width, height, visible}] in pixels of
// the screen. own: what the program said; it goes before what is seen.
export function wish(seen, own = {}) {
  const shown = seen.filter(s => s.visible && s.width > 0 && s.height > 0);
  const most = shown.reduce((m, s) => s.width * s.height > m.width * m.height ? s : m, {width: 0, height: 0});
  const automatic = !seen.length ? {} : shown.length ? {width: most.width, height: most.height} : {paused: true};
  const said = Object.fromEntries(Object.entries(own).filter(([, v]) => v !== undefined && v !== null));
  if (!('width' in said || 'height' in said)) return {...automatic, ...said};
  const {width: _w, height: _h, ...rest} = automatic; // half of one size and half of another is none
  return {...rest, ...said};
}

export const same = (a, b) => {
  const keys = new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})]);
  return !!a === !!b && [...keys].every(k => a[k] === b[k]);
};

// Watches elements, and says when what is seen of them has changed.
export class View {
  #elements = new Map(); // element: is it within the window?
  #changed;
  #timer = 0;
  #resize = globalThis.ResizeObserver && new ResizeObserver(() => this.#later());
  #within = globalThis.IntersectionObserver && new IntersectionObserver(entries => {
    for (const e of entries) if (this.#elements.has(e.target)) this.#elements.set(e.target, e.isIntersecting);
    this.#later();
  }, {rootMargin: '64px'}); // what is about to be scrolled to is on its way already
  #hidden = () => this.#later();

  constructor(changed) {
    this.#changed = changed;
    globalThis.document?.addEventListener('visibilitychange', this.#hidden);
  }

  add(element) {
    this.#elements.set(element, true);
    this.#resize?.observe(element);
    this.#within?.observe(element);
    this.#later();
  }

  remove(element) {
    if (!this.#elements.delete(element)) return;
    this.#resize?.unobserve(element);
    this.#within?.unobserve(element);
    this.#later();
  }

  close() {
    clearTimeout(this.#timer);
    this.#resize?.disconnect();
    this.#within?.disconnect();
    globalThis.document?.removeEventListener('visibilitychange', this.#hidden);
    this.#elements.clear();
  }

  // A picture in a window of its own is looked at whatever the page does.
  get seen() {
    const pixels = n => Math.min(8192, Math.ceil(n * (globalThis.devicePixelRatio || 1)));
    return [...this.#elements].map(([e, within]) => {
      const apart = document.pictureInPictureElement === e;
      return {width: pixels(e.clientWidth), height: pixels(e.clientHeight),
        visible: apart || (within && e.isConnected && document.visibilityState !== 'hidden')};
    });
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#changed, SETTLED);
  }
}
