// The set-up page looks again until the first delivery came.
'use strict';

if (document.querySelector('[data-watch]')) setTimeout(() => location.reload(), 5000);
