ALTER TABLE `idempotency_keys` ADD `customer_id` text;--> statement-breakpoint
ALTER TABLE `idempotency_keys` ADD `sets` text;--> statement-breakpoint
CREATE INDEX `idempotency_keys_set` ON `idempotency_keys` (`connection_id`,`customer_id`,`created_at`) WHERE "idempotency_keys"."customer_id" is not null;