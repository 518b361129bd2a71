// The last runs as bars: written, and failed on top of each other's axis. The table below says the same in numbers.
'use strict';

const place = document.getElementById('run-chart');
const points = JSON.parse(place?.dataset.points ?? '[]');

if (place && points.length > 1) {
  const look = getComputedStyle(document.documentElement);
  const colour = (name) => look.getPropertyValue(name).trim();
  const bars = uPlot.paths.bars({ size: [0.7, 24] });
  const axis = {
    stroke: colour('--mute'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
  };
  // By their order, not by the clock: runs come in bursts, and a night without any says nothing.
  const order = points.map((_, index) => index);
  const at = points.map(([seconds]) => new Date(seconds * 1000));
  const label = (index) =>
    at[index]?.toLocaleString('en-GB', {
      day: 'numeric',
      month: 'short',
      hour: '2-digit',
      minute: '2-digit',
      timeZone: 'UTC',
    });
  const size = () => ({ width: place.clientWidth, height: 170 });
  const plot = new uPlot(
    {
      ...size(),
      scales: {
        x: { time: false, range: [-0.7, points.length - 0.3] },
        y: { range: (_, min, max) => [0, Math.max(4, max * 1.1)] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          space: 90,
          values: (_, indexes) => indexes.map((i) => (Number.isInteger(i) ? label(i) : '')),
        },
        { ...axis, size: 46 },
      ],
      series: [
        { label: 'Started (UTC)', value: (_, index) => (index === null ? '' : label(index)) },
        {
          label: 'Written',
          stroke: colour('--accent'),
          fill: colour('--accent'),
          paths: bars,
          points: { show: false },
        },
        { label: 'Failed', stroke: colour('--bad'), fill: colour('--bad'), paths: bars, points: { show: false } },
      ],
    },
    [order, points.map((point) => point[1]), points.map((point) => point[2] || null)],
    place,
  );
  window.addEventListener('resize', () => plot.setSize(size()));
}
