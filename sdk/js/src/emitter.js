// Events by name: on, once, off, and emit for whoever owns the object. A listener that throws is
// reported as any uncaught error is, and the others still hear.

export class Emitter {
  #listeners = new Map();

  // Returns what takes the listener away again.
  on(name, listener) {
    if (!this.#listeners.has(name)) this.#listeners.set(name, new Set());
    this.#listeners.get(name).add(listener);
    return () => this.off(name, listener);
  }

  once(name, listener) {
    const off = this.on(name, (...said) => {
      off();
      listener(...said);
    });
    return off;
  }

  off(name, listener) {
    this.#listeners.get(name)?.delete(listener);
  }

  emit(name, ...said) {
    for (const listener of [...this.#listeners.get(name) ?? []]) {
      try {
        listener(...said);
      } catch (error) {
        queueMicrotask(() => { throw error; });
      }
    }
  }
}
