// Light and dark: as the system has it, until the button says otherwise.

import {$, kept} from './page.js';

const dark = matchMedia('(prefers-color-scheme: dark)');
const system = () => dark.matches ? 'dark' : 'light';
const paint = () => document.documentElement.dataset.theme = kept.get('theme') || system();

dark.addEventListener('change', paint);
$('theme').onclick = () => {
  const other = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
  kept.set('theme', other === system() ? '' : other);
  paint();
};
paint();
