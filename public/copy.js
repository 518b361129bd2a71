// A button beside everything that is to be pasted elsewhere.
'use strict';

for (const box of document.querySelectorAll('.copyable')) {
  const text = box.querySelector('pre');
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy';
  button.setAttribute('aria-label', `Copy: ${text.getAttribute('aria-label')}`);
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = 'Copied';
  });
  if (navigator.clipboard) box.append(button);
}
