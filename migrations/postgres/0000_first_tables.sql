CREATE TABLE "claimed_identities" (
	"connection_id" text NOT NULL,
	"identity" text NOT NULL,
	"command_id" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "claimed_identities_connection_id_identity_pk" PRIMARY KEY("connection_id","identity")
);
--> statement-breakpoint
CREATE TABLE "commands" (
	"id" text PRIMARY KEY NOT NULL,
	"connection_id" text NOT NULL,
	"kind" text NOT NULL,
	"target" text NOT NULL,
	"source_event" text NOT NULL,
	"identity" text,
	"state" text NOT NULL,
	"params" jsonb NOT NULL,
	"before" jsonb,
	"result" jsonb,
	"reason" text,
	"decided_by" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"sent_at" timestamp (3) with time zone,
	"looks" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "connections" (
	"id" text PRIMARY KEY NOT NULL,
	"mode" text NOT NULL,
	"dialect" text NOT NULL,
	"state" text DEFAULT 'ready' NOT NULL,
	"reason" text,
	"paused_directions" jsonb NOT NULL,
	"settings" jsonb NOT NULL,
	"secrets" jsonb NOT NULL,
	"fingerprint" jsonb,
	"location" jsonb,
	"cursors" jsonb NOT NULL,
	"activated_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "entity_mappings" (
	"id" text PRIMARY KEY NOT NULL,
	"connection_id" text NOT NULL,
	"entity_type" text NOT NULL,
	"stickycards_id" text NOT NULL,
	"ghl_id" text,
	"state" text NOT NULL,
	"fields" jsonb NOT NULL,
	"tags" jsonb NOT NULL,
	"card_id" text,
	"metadata" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ghl_contacts" (
	"connection_id" text NOT NULL,
	"ghl_contact_id" text NOT NULL,
	"phone" text,
	"phone_digits" text,
	"email" text,
	"stickycards_customer_id" text,
	"values" jsonb NOT NULL,
	"tags" jsonb NOT NULL,
	"seen_by" text NOT NULL,
	"deleted" boolean DEFAULT false NOT NULL,
	"version" integer NOT NULL,
	"pushed_version" integer NOT NULL,
	"sync_status" text NOT NULL,
	"sync_error" jsonb,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp (3) with time zone,
	"read_wanted" boolean DEFAULT false NOT NULL,
	"date_added" timestamp (3) with time zone,
	"date_updated" timestamp (3) with time zone,
	"observed_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "ghl_contacts_connection_id_ghl_contact_id_pk" PRIMARY KEY("connection_id","ghl_contact_id")
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"connection_id" text NOT NULL,
	"key" text NOT NULL,
	"params_hash" text NOT NULL,
	"command_id" text,
	"status" integer,
	"body" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "idempotency_keys_connection_id_key_pk" PRIMARY KEY("connection_id","key")
);
--> statement-breakpoint
CREATE TABLE "leases" (
	"connection_id" text PRIMARY KEY NOT NULL,
	"holder" text NOT NULL,
	"pid" integer NOT NULL,
	"process_started_at" text NOT NULL,
	"heartbeat_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "problem_records" (
	"problem_id" text NOT NULL,
	"record_id" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "problem_records_problem_id_record_id_pk" PRIMARY KEY("problem_id","record_id")
);
--> statement-breakpoint
CREATE TABLE "problems" (
	"id" text PRIMARY KEY NOT NULL,
	"connection_id" text NOT NULL,
	"code" text NOT NULL,
	"cause" text NOT NULL,
	"state" text NOT NULL,
	"affected" integer NOT NULL,
	"sample" jsonb NOT NULL,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"last_seen_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "run_requests" (
	"id" text PRIMARY KEY NOT NULL,
	"connection_id" text NOT NULL,
	"kind" text DEFAULT 'run' NOT NULL,
	"direction" text NOT NULL,
	"trigger" text NOT NULL,
	"run_id" text,
	"requested_at" timestamp (3) with time zone NOT NULL,
	"completed_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "staging_checkpoints" (
	"connection_id" text NOT NULL,
	"entity" text NOT NULL,
	"entity_id" text NOT NULL,
	"upto_event_id" text NOT NULL,
	"state" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "staging_checkpoints_connection_id_entity_entity_id_pk" PRIMARY KEY("connection_id","entity","entity_id")
);
--> statement-breakpoint
CREATE TABLE "sticky_cards_cards" (
	"connection_id" text NOT NULL,
	"card_id" text NOT NULL,
	"stickycards_id" text NOT NULL,
	"template_id" text,
	"card_type" text,
	"install_status" text,
	"admin_status" text,
	"installed" text,
	"balance" double precision,
	"installed_at" timestamp (3) with time zone,
	"issued_at" timestamp (3) with time zone,
	"extra" jsonb NOT NULL,
	"fold_state" jsonb NOT NULL,
	"read_wanted" boolean DEFAULT false NOT NULL,
	"observed_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "sticky_cards_cards_connection_id_card_id_pk" PRIMARY KEY("connection_id","card_id")
);
--> statement-breakpoint
CREATE TABLE "sticky_cards_customers" (
	"connection_id" text NOT NULL,
	"stickycards_id" text NOT NULL,
	"email" text,
	"mobile" text,
	"first_name" text,
	"last_name" text,
	"card_id" text,
	"card_status" text,
	"card_installed" text,
	"loyalty_points" double precision,
	"card_installed_date" timestamp (3) with time zone,
	"card_issued_date" timestamp (3) with time zone,
	"last_activity" timestamp (3) with time zone,
	"last_purchase_date" timestamp (3) with time zone,
	"referral_count" integer,
	"segments" jsonb NOT NULL,
	"opt_in_status" text,
	"extra" jsonb NOT NULL,
	"fold_state" jsonb NOT NULL,
	"version" integer NOT NULL,
	"pushed_version" integer NOT NULL,
	"sync_status" text NOT NULL,
	"sync_error" jsonb,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp (3) with time zone,
	"read_wanted" boolean DEFAULT false NOT NULL,
	"paused" boolean DEFAULT false NOT NULL,
	"observed_at" timestamp (3) with time zone,
	"synced_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "sticky_cards_customers_connection_id_stickycards_id_pk" PRIMARY KEY("connection_id","stickycards_id")
);
--> statement-breakpoint
CREATE TABLE "sync_audit_logs" (
	"id" text PRIMARY KEY NOT NULL,
	"connection_id" text,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"subject" text NOT NULL,
	"before" jsonb,
	"after" jsonb,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sync_logs" (
	"id" text PRIMARY KEY NOT NULL,
	"run_id" text NOT NULL,
	"connection_id" text NOT NULL,
	"entity_type" text NOT NULL,
	"entity_id" text NOT NULL,
	"customer_id" text,
	"contact_id" text,
	"direction" text NOT NULL,
	"action" text NOT NULL,
	"status" text NOT NULL,
	"error_class" text,
	"error_code" text,
	"error_message" text,
	"changes" jsonb NOT NULL,
	"tags_added" jsonb NOT NULL,
	"tags_removed" jsonb NOT NULL,
	"trace_id" text,
	"attempt" integer DEFAULT 1 NOT NULL,
	"next_attempt_at" timestamp (3) with time zone,
	"duration_ms" integer,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sync_run_summaries" (
	"id" text PRIMARY KEY NOT NULL,
	"connection_id" text NOT NULL,
	"direction" text NOT NULL,
	"trigger" text NOT NULL,
	"status" text NOT NULL,
	"total_records" integer DEFAULT 0 NOT NULL,
	"created_count" integer DEFAULT 0 NOT NULL,
	"updated_count" integer DEFAULT 0 NOT NULL,
	"unchanged_count" integer DEFAULT 0 NOT NULL,
	"skipped_count" integer DEFAULT 0 NOT NULL,
	"failed_count" integer DEFAULT 0 NOT NULL,
	"api_calls" integer DEFAULT 0 NOT NULL,
	"rate_limit_waits" integer DEFAULT 0 NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"heartbeat_at" timestamp (3) with time zone NOT NULL,
	"completed_at" timestamp (3) with time zone,
	"duration_ms" integer,
	"last_error" text
);
--> statement-breakpoint
CREATE TABLE "webhook_events" (
	"id" text PRIMARY KEY NOT NULL,
	"connection_id" text NOT NULL,
	"source" text NOT NULL,
	"dedupe_key" text NOT NULL,
	"delivery_id" text,
	"type" text NOT NULL,
	"occurred_at" timestamp (3) with time zone NOT NULL,
	"received_at" timestamp (3) with time zone NOT NULL,
	"customer_id" text,
	"card_id" text,
	"contact_id" text,
	"status" text NOT NULL,
	"reason" text,
	"verification" text NOT NULL,
	"flags" jsonb NOT NULL,
	"duplicates" integer DEFAULT 0 NOT NULL,
	"headers" jsonb,
	"body_hash" text NOT NULL,
	"payload" text,
	"folded_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE INDEX "claimed_identities_command" ON "claimed_identities" USING btree ("command_id");--> statement-breakpoint
CREATE UNIQUE INDEX "commands_once" ON "commands" USING btree ("connection_id","source_event","kind","target");--> statement-breakpoint
CREATE UNIQUE INDEX "commands_identity" ON "commands" USING btree ("connection_id","identity");--> statement-breakpoint
CREATE INDEX "commands_state" ON "commands" USING btree ("connection_id","state","id");--> statement-breakpoint
CREATE INDEX "commands_target" ON "commands" USING btree ("connection_id","target","kind");--> statement-breakpoint
CREATE UNIQUE INDEX "entity_mappings_sticky" ON "entity_mappings" USING btree ("connection_id","entity_type","stickycards_id") WHERE "entity_mappings"."state" <> 'gone';--> statement-breakpoint
CREATE UNIQUE INDEX "entity_mappings_ghl" ON "entity_mappings" USING btree ("connection_id","entity_type","ghl_id") WHERE "entity_mappings"."state" <> 'gone';--> statement-breakpoint
CREATE INDEX "entity_mappings_by_sticky" ON "entity_mappings" USING btree ("connection_id","entity_type","stickycards_id","state");--> statement-breakpoint
CREATE INDEX "entity_mappings_by_ghl" ON "entity_mappings" USING btree ("connection_id","entity_type","ghl_id","state");--> statement-breakpoint
CREATE INDEX "ghl_contacts_phone" ON "ghl_contacts" USING btree ("connection_id","phone");--> statement-breakpoint
CREATE INDEX "ghl_contacts_digits" ON "ghl_contacts" USING btree ("connection_id","phone_digits");--> statement-breakpoint
CREATE INDEX "ghl_contacts_email" ON "ghl_contacts" USING btree ("connection_id","email");--> statement-breakpoint
CREATE INDEX "ghl_contacts_customer" ON "ghl_contacts" USING btree ("connection_id","stickycards_customer_id");--> statement-breakpoint
CREATE INDEX "ghl_contacts_due" ON "ghl_contacts" USING btree ("connection_id","sync_status","ghl_contact_id");--> statement-breakpoint
CREATE INDEX "problem_records_record" ON "problem_records" USING btree ("record_id");--> statement-breakpoint
CREATE UNIQUE INDEX "problems_cause" ON "problems" USING btree ("connection_id","code","cause");--> statement-breakpoint
CREATE INDEX "problems_state" ON "problems" USING btree ("state","id");--> statement-breakpoint
CREATE INDEX "run_requests_open" ON "run_requests" USING btree ("completed_at","connection_id","id");--> statement-breakpoint
CREATE INDEX "sticky_cards_cards_customer" ON "sticky_cards_cards" USING btree ("connection_id","stickycards_id");--> statement-breakpoint
CREATE INDEX "sticky_cards_customers_due" ON "sticky_cards_customers" USING btree ("connection_id","sync_status","stickycards_id");--> statement-breakpoint
CREATE INDEX "sticky_cards_customers_read" ON "sticky_cards_customers" USING btree ("connection_id","stickycards_id") WHERE "sticky_cards_customers"."read_wanted";--> statement-breakpoint
CREATE INDEX "sticky_cards_customers_mobile" ON "sticky_cards_customers" USING btree ("connection_id","mobile");--> statement-breakpoint
CREATE INDEX "sticky_cards_customers_email" ON "sticky_cards_customers" USING btree ("connection_id","email");--> statement-breakpoint
CREATE INDEX "sync_audit_logs_list" ON "sync_audit_logs" USING btree ("connection_id","id");--> statement-breakpoint
CREATE INDEX "sync_logs_run" ON "sync_logs" USING btree ("run_id","id");--> statement-breakpoint
CREATE INDEX "sync_logs_customer" ON "sync_logs" USING btree ("connection_id","customer_id","id");--> statement-breakpoint
CREATE INDEX "sync_logs_status" ON "sync_logs" USING btree ("connection_id","status","id");--> statement-breakpoint
CREATE INDEX "sync_run_summaries_list" ON "sync_run_summaries" USING btree ("connection_id","id");--> statement-breakpoint
CREATE INDEX "sync_run_summaries_status" ON "sync_run_summaries" USING btree ("status","id");--> statement-breakpoint
CREATE UNIQUE INDEX "webhook_events_dedupe" ON "webhook_events" USING btree ("connection_id","source","dedupe_key");--> statement-breakpoint
CREATE INDEX "webhook_events_unfolded" ON "webhook_events" USING btree ("connection_id","folded_at","id") WHERE "webhook_events"."folded_at" is null;--> statement-breakpoint
CREATE INDEX "webhook_events_list" ON "webhook_events" USING btree ("connection_id","id") WHERE "webhook_events"."folded_at" is not null;--> statement-breakpoint
CREATE INDEX "webhook_events_status" ON "webhook_events" USING btree ("status","id") WHERE "webhook_events"."status" in ('skipped', 'waiting', 'rejected');--> statement-breakpoint
CREATE INDEX "webhook_events_customer" ON "webhook_events" USING btree ("connection_id","customer_id","id") WHERE "webhook_events"."customer_id" is not null and "webhook_events"."folded_at" is not null;--> statement-breakpoint
CREATE INDEX "webhook_events_card" ON "webhook_events" USING btree ("connection_id","card_id","id") WHERE "webhook_events"."card_id" is not null and "webhook_events"."folded_at" is not null;--> statement-breakpoint
CREATE INDEX "webhook_events_contact" ON "webhook_events" USING btree ("connection_id","contact_id","id") WHERE "webhook_events"."contact_id" is not null and "webhook_events"."folded_at" is not null;--> statement-breakpoint
CREATE INDEX "webhook_events_delivery" ON "webhook_events" USING btree ("connection_id","source","delivery_id") WHERE "webhook_events"."delivery_id" is not null;