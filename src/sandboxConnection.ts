/** The connection of a start with nothing configured (SPEC §9, SANDBOX): known secrets, so that the README's commands work as they stand. */
export const SANDBOX_CONNECTION = 'sandbox';
export const SANDBOX_WEBHOOK_SECRET = 'sandbox-webhook-secret';
export const SANDBOX_LOCATION = 'sandbox-location';
export const SANDBOX_GHL_TOKEN = 'pit-sandbox';
export const SANDBOX_STICKY_KEY = 'sandbox-api-key';
