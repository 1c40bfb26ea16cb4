// Lists of devices to choose from, kept in step with what is plugged in.

import {devices} from '/sdk/index.js';
import {kept} from '/page.js';

// selects: {camera, microphone, speaker}: elements. changed(what, id) when one was chosen.
export class Choices {
  #selects;
  #stop;

  constructor(selects, changed) {
    this.#selects = selects;
    for (const [what, select] of Object.entries(selects)) select.onchange = () => {
      kept.set(what, select.value);
      changed(what, select.value || undefined);
    };
    this.#stop = devices.watch(() => this.fill());
  }

  static chosen = what => kept.get(what) || undefined;

  async fill() {
    for (const [what, select] of Object.entries(this.#selects)) {
      const all = await devices.list(what), chosen = kept.get(what);
      select.replaceChildren(new Option('Default', ''), ...all.filter(d => d.id !== 'default')
        .map(d => new Option(d.label, d.id, false, d.id === chosen)));
      if (what === 'speaker') select.parentElement.hidden = !all.length || !('setSinkId' in HTMLMediaElement.prototype);
    }
  }

  close() {
    this.#stop();
  }
}
