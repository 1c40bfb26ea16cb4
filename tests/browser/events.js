// As much of Node's events as calls-common uses.

export class EventEmitter {
  #listeners = new Map();

  on(name, f) {
    this.#listeners.set(name, [...this.#listeners.get(name) ?? [], f]);
    return this;
  }

  emit(name, ...args) {
    for (const f of this.#listeners.get(name) ?? []) f(...args);
    return this.#listeners.has(name);
  }

  removeAllListeners(name) {
    this.#listeners.delete(name);
    return this;
  }
}
