// Beside the stage: the chat, and who is here.

import {$, icon, make, notes, paint, press} from '/page.js';

const MOST = 500; // messages that are kept on the page

export class Side {
  #room;
  #unread = 0;
  #shown = null; // 'chat', 'people', or null
  #opener = null; // what had the focus before
  #watchers = []; // as hosts are told
  #asked = ''; // by what they were asked for last
  #failed;

  // failed(error): something could not be done.
  constructor(room, failed) {
    this.#room = room;
    this.#failed = failed;
    for (const id of ['messages', 'chat-to']) $(id).replaceChildren();
    $('chat-open').onclick = () => this.toggle('chat');
    $('people-open').onclick = () => this.toggle('people');
    $('tab-chat').onclick = () => this.#show('chat');
    $('tab-people').onclick = () => this.#show('people');
    $('side-close').onclick = () => this.close();
    for (const tab of ['tab-chat', 'tab-people']) $(tab).onkeydown = e => {
      if (!/^Arrow(Left|Right)$/.test(e.key)) return;
      const other = tab === 'tab-chat' ? 'people' : 'chat';
      this.#show(other);
      $(`tab-${other}`).focus();
    };
    $('chat-form').onsubmit = e => {
      e.preventDefault();
      this.#say();
    };
    $('lock').onclick = () => room.setLocked(!room.locked).catch(failed);
    $('end').onclick = () => confirm('End the call for everybody?') && room.close().catch(failed);
    this.#show(null);
  }

  toggle(what) {
    if (this.#shown === what) return this.close();
    if (!this.#shown) this.#opener = document.activeElement;
    this.#show(what);
  }

  // The focus goes back to where it came from.
  close() {
    if (!this.#shown) return;
    const at = document.activeElement, button = $(`${this.#shown}-open`);
    this.#show(null);
    if (at === document.body || $('side').contains(at)) (this.#opener.checkVisibility() ? this.#opener : button).focus();
  }

  #show(what) {
    this.#shown = what;
    $('side').hidden = !what;
    for (const it of ['chat', 'people']) {
      $(it).hidden = what !== it;
      $(`tab-${it}`).setAttribute('aria-selected', String(what === it));
      press($(`${it}-open`), what === it);
    }
    if (what === 'chat') {
      this.#unread = 0;
      $('messages').scrollTop = $('messages').scrollHeight;
      $('chat-text').focus();
    }
    this.#look();
    this.#counts();
  }

  #counts() {
    const [chat, people] = [$('chat-open').lastElementChild, $('people-open').lastElementChild];
    chat.textContent = this.#unread;
    chat.hidden = !this.#unread;
    people.textContent = this.#room.peers.size + 1 + this.#room.viewers;
    people.hidden = false;
  }

  // ---- chat

  async #say() {
    const text = $('chat-text').value.trim(), to = $('chat-to').value;
    if (!text) return;
    if (to && !this.#room.peers.has(to)) {
      this.#failed(new Error('The one this is for has left. Choose who is to read it.'));
      return $('chat-to').focus();
    }
    $('chat-text').value = '';
    try {
      await this.#room.send(JSON.stringify({chat: text, ...(to ? {alone: true} : {})}), to ? {to: [to]} : {});
      this.#add({by: to ? `to ${this.#room.peers.get(to)?.name ?? 'somebody'} only` : '', text, own: true});
    } catch (error) {
      $('chat-text').value = text;
      this.#failed(error);
    }
  }

  // A message of another peer, as it came.
  hear(data, from) {
    let said;
    try {
      said = JSON.parse(data);
    } catch {
      said = {chat: data}; // a back end's plain words
    }
    if (typeof said?.chat !== 'string') return;
    this.#add({by: (from?.name || (from ? 'Guest' : 'Service')) + (said.alone ? ' to you only' : ''), text: said.chat});
    if (this.#shown !== 'chat') this.#unread++;
    this.#counts();
  }

  event(words) {
    this.#add({event: words});
  }

  #add({by, text, own, event}) {
    const list = $('messages'), atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    list.append(event ? make('li', 'event', event) :
      make('li', own ? 'own' : '', ...(by ? [make('p', 'by', by)] : []), make('p', 'text', text)));
    while (list.children.length > MOST) list.firstElementChild.remove();
    if (atEnd || own) list.scrollTop = list.scrollHeight;
  }

  // ---- people

  // Hosts see who watches, and let them take part.
  async #look() {
    const {viewers, peers} = this.#room, shown = this.#shown === 'people' && this.#room.can('moderate');
    const of = shown ? `${viewers} of ${peers.size}` : '';
    if (of === this.#asked) return;
    this.#asked = of;
    const all = shown && viewers ? await this.#room.watchers().catch(() => []) : [];
    if (of !== this.#asked) return;
    this.#watchers = all;
    this.refresh();
  }

  #watcher(peer) {
    const avatar = make('span', 'avatar'), name = peer.name || 'Guest';
    paint(avatar, name);
    const button = (text, label, does) => Object.assign(make('button', 'small', text), {ariaLabel: `${label} ${name}`,
      onclick: () => does().catch(this.#failed)});
    return make('li', 'watcher', avatar, make('span', 'who', name, make('small', '', 'watches')),
      button('Let in', 'Let take part:', () => peer.setRole('participant')), button('Remove', 'Remove', () => peer.remove()));
  }

  refresh() {
    const {me, peers, viewers, locked} = this.#room;
    const sound = p => p === me ? this.#room.published.find(t => t.source === 'microphone') : p.track('microphone');
    const all = [me, ...[...peers.values()].sort((a, b) => a.name.localeCompare(b.name))];
    $('list').replaceChildren(...all.map(p => {
      const avatar = make('span', 'avatar'), name = p.name || 'Guest', microphone = sound(p);
      paint(avatar, name);
      const what = [p === me ? 'you' : '', p.role === 'participant' ? '' : p.role].filter(Boolean).join(', ');
      const row = make('li', '', avatar, make('span', 'who', name, make('small', '', what)));
      if (notes(p).hand) {
        const hand = icon('hand', 'hand raised');
        hand.classList.add('up');
        row.append(hand);
      }
      if (p.role !== 'viewer') row.append(microphone && !microphone.muted ? icon('mic', 'microphone on') : icon('mic-off', 'microphone off'));
      return row;
    }), ...this.#watchers.map(w => this.#watcher(w)));
    const more = viewers - this.#watchers.length;
    $('watching').hidden = more <= 0;
    $('watching').textContent = more === 1 ? 'One more watches.' : `${more} more watch.`;
    this.#look();
    $('host').hidden = !this.#room.can('moderate');
    press($('lock'), locked);
    $('lock').lastElementChild.textContent = locked ? 'Unlock the room' : 'Lock the room';
    const [chosen] = $('chat-to').selectedOptions, to = chosen?.value ?? '';
    $('chat-to').replaceChildren(new Option('Everyone', ''), ...[...peers.values()].map(p =>
      new Option(`${p.name || 'Guest'} only`, p.id, false, p.id === to)));
    if (to && !peers.has(to)) { // what was meant for one is not for all
      const left = new Option(chosen.text.replace(/ only$/, ' (left)'), to, false, true);
      left.disabled = true;
      $('chat-to').append(left);
    }
    $('chat-text').disabled = !this.#room.can('data');
    this.#counts();
  }
}
