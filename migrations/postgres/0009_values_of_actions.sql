ALTER TABLE "idempotency_keys" ADD COLUMN "customer_id" text;--> statement-breakpoint
ALTER TABLE "idempotency_keys" ADD COLUMN "sets" jsonb;--> statement-breakpoint
CREATE INDEX "idempotency_keys_set" ON "idempotency_keys" USING btree ("connection_id","customer_id","created_at") WHERE "idempotency_keys"."customer_id" is not null;