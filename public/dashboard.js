// Every page works without this; it asks before what cannot be taken back, and shows a filter as soon as it is chosen.
'use strict';

document.addEventListener('submit', (event) => {
  const { ask } = event.target.dataset;
  if (ask && !window.confirm(ask)) {
    event.preventDefault();
    return;
  }
  // A second press of an impatient finger must not be a second wish.
  if (event.target.method === 'post') {
    for (const button of event.target.querySelectorAll('button')) button.setAttribute('aria-disabled', 'true');
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = 'yes';
  }
});

document.addEventListener('change', (event) => {
  if (event.target.matches('form.filters[method="get"] select')) event.target.form.requestSubmit();
});

// A page that comes back from the browser's memory has its buttons again.
window.addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]')) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll('button')) button.removeAttribute('aria-disabled');
  }
});
