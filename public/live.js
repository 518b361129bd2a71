// Follows a running run: its counts as they grow, and its records once it is over.
'use strict';

const progress = document.querySelector('[data-live]');
if (progress) {
  const source = new EventSource(progress.dataset.live);
  source.addEventListener('counts', (event) => {
    for (const [name, count] of Object.entries(JSON.parse(event.data))) {
      const place = progress.querySelector(`[data-count="${name}"]`);
      if (place) place.textContent = count.toLocaleString('en-GB');
    }
  });
  source.addEventListener('over', () => {
    source.close();
    location.reload();
  });
}
