import express, { Router } from 'express';

/** Style sheet, scripts and picture of our own, and the chart library; asked again each time, and mostly not sent again. */
export function staticFiles(folders: { own: string; chart: string }): Router {
  const router = Router();
  const options = { index: false, redirect: false, dotfiles: 'ignore', maxAge: 0 } as const;
  router.use('/uplot', express.static(folders.chart, options));
  router.use(express.static(folders.own, options));
  return router;
}
