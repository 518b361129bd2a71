CREATE TABLE `claimed_identities` (
	`connection_id` text NOT NULL,
	`identity` text NOT NULL,
	`command_id` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`connection_id`, `identity`)
);
--> statement-breakpoint
CREATE INDEX `claimed_identities_command` ON `claimed_identities` (`command_id`);--> statement-breakpoint
CREATE TABLE `commands` (
	`id` text PRIMARY KEY NOT NULL,
	`connection_id` text NOT NULL,
	`kind` text NOT NULL,
	`target` text NOT NULL,
	`source_event` text NOT NULL,
	`identity` text,
	`state` text NOT NULL,
	`params` text NOT NULL,
	`before` text,
	`result` text,
	`reason` text,
	`decided_by` text,
	`attempts` integer DEFAULT 0 NOT NULL,
	`sent_at` integer,
	`looks` integer DEFAULT 0 NOT NULL,
	`next_attempt_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `commands_once` ON `commands` (`connection_id`,`source_event`,`kind`,`target`);--> statement-breakpoint
CREATE UNIQUE INDEX `commands_identity` ON `commands` (`connection_id`,`identity`);--> statement-breakpoint
CREATE INDEX `commands_state` ON `commands` (`connection_id`,`state`,`id`);--> statement-breakpoint
CREATE INDEX `commands_target` ON `commands` (`connection_id`,`target`,`kind`);--> statement-breakpoint
CREATE TABLE `connections` (
	`id` text PRIMARY KEY NOT NULL,
	`mode` text NOT NULL,
	`dialect` text NOT NULL,
	`state` text DEFAULT 'ready' NOT NULL,
	`reason` text,
	`paused_directions` text NOT NULL,
	`settings` text NOT NULL,
	`secrets` text NOT NULL,
	`fingerprint` text,
	`location` text,
	`cursors` text NOT NULL,
	`activated_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `entity_mappings` (
	`id` text PRIMARY KEY NOT NULL,
	`connection_id` text NOT NULL,
	`entity_type` text NOT NULL,
	`stickycards_id` text NOT NULL,
	`ghl_id` text,
	`state` text NOT NULL,
	`fields` text NOT NULL,
	`tags` text NOT NULL,
	`card_id` text,
	`metadata` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `entity_mappings_sticky` ON `entity_mappings` (`connection_id`,`entity_type`,`stickycards_id`) WHERE "entity_mappings"."state" <> 'gone';--> statement-breakpoint
CREATE UNIQUE INDEX `entity_mappings_ghl` ON `entity_mappings` (`connection_id`,`entity_type`,`ghl_id`) WHERE "entity_mappings"."state" <> 'gone';--> statement-breakpoint
CREATE INDEX `entity_mappings_by_sticky` ON `entity_mappings` (`connection_id`,`entity_type`,`stickycards_id`,`state`);--> statement-breakpoint
CREATE INDEX `entity_mappings_by_ghl` ON `entity_mappings` (`connection_id`,`entity_type`,`ghl_id`,`state`);--> statement-breakpoint
CREATE TABLE `ghl_contacts` (
	`connection_id` text NOT NULL,
	`ghl_contact_id` text NOT NULL,
	`phone` text,
	`phone_digits` text,
	`email` text,
	`stickycards_customer_id` text,
	`values` text NOT NULL,
	`tags` text NOT NULL,
	`seen_by` text NOT NULL,
	`deleted` integer DEFAULT false NOT NULL,
	`version` integer NOT NULL,
	`pushed_version` integer NOT NULL,
	`sync_status` text NOT NULL,
	`sync_error` text,
	`attempts` integer DEFAULT 0 NOT NULL,
	`next_attempt_at` integer,
	`read_wanted` integer DEFAULT false NOT NULL,
	`date_added` integer,
	`date_updated` integer,
	`observed_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`connection_id`, `ghl_contact_id`)
);
--> statement-breakpoint
CREATE INDEX `ghl_contacts_phone` ON `ghl_contacts` (`connection_id`,`phone`);--> statement-breakpoint
CREATE INDEX `ghl_contacts_digits` ON `ghl_contacts` (`connection_id`,`phone_digits`);--> statement-breakpoint
CREATE INDEX `ghl_contacts_email` ON `ghl_contacts` (`connection_id`,`email`);--> statement-breakpoint
CREATE INDEX `ghl_contacts_customer` ON `ghl_contacts` (`connection_id`,`stickycards_customer_id`);--> statement-breakpoint
CREATE INDEX `ghl_contacts_due` ON `ghl_contacts` (`connection_id`,`sync_status`,`ghl_contact_id`);--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`connection_id` text NOT NULL,
	`key` text NOT NULL,
	`params_hash` text NOT NULL,
	`command_id` text,
	`status` integer,
	`body` text,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`connection_id`, `key`)
);
--> statement-breakpoint
CREATE TABLE `leases` (
	`connection_id` text PRIMARY KEY NOT NULL,
	`holder` text NOT NULL,
	`pid` integer NOT NULL,
	`process_started_at` text NOT NULL,
	`heartbeat_at` integer NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `problem_records` (
	`problem_id` text NOT NULL,
	`record_id` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`problem_id`, `record_id`)
);
--> statement-breakpoint
CREATE INDEX `problem_records_record` ON `problem_records` (`record_id`);--> statement-breakpoint
CREATE TABLE `problems` (
	`id` text PRIMARY KEY NOT NULL,
	`connection_id` text NOT NULL,
	`code` text NOT NULL,
	`cause` text NOT NULL,
	`state` text NOT NULL,
	`affected` integer NOT NULL,
	`sample` text NOT NULL,
	`first_seen_at` integer NOT NULL,
	`last_seen_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `problems_cause` ON `problems` (`connection_id`,`code`,`cause`);--> statement-breakpoint
CREATE INDEX `problems_state` ON `problems` (`state`,`id`);--> statement-breakpoint
CREATE TABLE `run_requests` (
	`id` text PRIMARY KEY NOT NULL,
	`connection_id` text NOT NULL,
	`kind` text DEFAULT 'run' NOT NULL,
	`direction` text NOT NULL,
	`trigger` text NOT NULL,
	`run_id` text,
	`requested_at` integer NOT NULL,
	`completed_at` integer
);
--> statement-breakpoint
CREATE INDEX `run_requests_open` ON `run_requests` (`completed_at`,`connection_id`,`id`);--> statement-breakpoint
CREATE TABLE `staging_checkpoints` (
	`connection_id` text NOT NULL,
	`entity` text NOT NULL,
	`entity_id` text NOT NULL,
	`upto_event_id` text NOT NULL,
	`state` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`connection_id`, `entity`, `entity_id`)
);
--> statement-breakpoint
CREATE TABLE `sticky_cards_cards` (
	`connection_id` text NOT NULL,
	`card_id` text NOT NULL,
	`stickycards_id` text NOT NULL,
	`template_id` text,
	`card_type` text,
	`install_status` text,
	`admin_status` text,
	`installed` text,
	`balance` real,
	`installed_at` integer,
	`issued_at` integer,
	`extra` text NOT NULL,
	`fold_state` text NOT NULL,
	`read_wanted` integer DEFAULT false NOT NULL,
	`observed_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`connection_id`, `card_id`)
);
--> statement-breakpoint
CREATE INDEX `sticky_cards_cards_customer` ON `sticky_cards_cards` (`connection_id`,`stickycards_id`);--> statement-breakpoint
CREATE TABLE `sticky_cards_customers` (
	`connection_id` text NOT NULL,
	`stickycards_id` text NOT NULL,
	`email` text,
	`mobile` text,
	`first_name` text,
	`last_name` text,
	`card_id` text,
	`card_status` text,
	`card_installed` text,
	`loyalty_points` real,
	`card_installed_date` integer,
	`card_issued_date` integer,
	`last_activity` integer,
	`last_purchase_date` integer,
	`referral_count` integer,
	`segments` text NOT NULL,
	`opt_in_status` text,
	`extra` text NOT NULL,
	`fold_state` text NOT NULL,
	`version` integer NOT NULL,
	`pushed_version` integer NOT NULL,
	`sync_status` text NOT NULL,
	`sync_error` text,
	`attempts` integer DEFAULT 0 NOT NULL,
	`next_attempt_at` integer,
	`read_wanted` integer DEFAULT false NOT NULL,
	`paused` integer DEFAULT false NOT NULL,
	`observed_at` integer,
	`synced_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`connection_id`, `stickycards_id`)
);
--> statement-breakpoint
CREATE INDEX `sticky_cards_customers_due` ON `sticky_cards_customers` (`connection_id`,`sync_status`,`stickycards_id`);--> statement-breakpoint
CREATE INDEX `sticky_cards_customers_read` ON `sticky_cards_customers` (`connection_id`,`stickycards_id`) WHERE "sticky_cards_customers"."read_wanted";--> statement-breakpoint
CREATE INDEX `sticky_cards_customers_mobile` ON `sticky_cards_customers` (`connection_id`,`mobile`);--> statement-breakpoint
CREATE INDEX `sticky_cards_customers_email` ON `sticky_cards_customers` (`connection_id`,`email`);--> statement-breakpoint
CREATE TABLE `sync_audit_logs` (
	`id` text PRIMARY KEY NOT NULL,
	`connection_id` text,
	`actor` text NOT NULL,
	`action` text NOT NULL,
	`subject` text NOT NULL,
	`before` text,
	`after` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `sync_audit_logs_list` ON `sync_audit_logs` (`connection_id`,`id`);--> statement-breakpoint
CREATE TABLE `sync_logs` (
	`id` text PRIMARY KEY NOT NULL,
	`run_id` text NOT NULL,
	`connection_id` text NOT NULL,
	`entity_type` text NOT NULL,
	`entity_id` text NOT NULL,
	`customer_id` text,
	`contact_id` text,
	`direction` text NOT NULL,
	`action` text NOT NULL,
	`status` text NOT NULL,
	`error_class` text,
	`error_code` text,
	`error_message` text,
	`changes` text NOT NULL,
	`tags_added` text NOT NULL,
	`tags_removed` text NOT NULL,
	`trace_id` text,
	`attempt` integer DEFAULT 1 NOT NULL,
	`next_attempt_at` integer,
	`duration_ms` integer,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `sync_logs_run` ON `sync_logs` (`run_id`,`id`);--> statement-breakpoint
CREATE INDEX `sync_logs_customer` ON `sync_logs` (`connection_id`,`customer_id`,`id`);--> statement-breakpoint
CREATE INDEX `sync_logs_status` ON `sync_logs` (`connection_id`,`status`,`id`);--> statement-breakpoint
CREATE TABLE `sync_run_summaries` (
	`id` text PRIMARY KEY NOT NULL,
	`connection_id` text NOT NULL,
	`direction` text NOT NULL,
	`trigger` text NOT NULL,
	`status` text NOT NULL,
	`total_records` integer DEFAULT 0 NOT NULL,
	`created_count` integer DEFAULT 0 NOT NULL,
	`updated_count` integer DEFAULT 0 NOT NULL,
	`unchanged_count` integer DEFAULT 0 NOT NULL,
	`skipped_count` integer DEFAULT 0 NOT NULL,
	`failed_count` integer DEFAULT 0 NOT NULL,
	`api_calls` integer DEFAULT 0 NOT NULL,
	`rate_limit_waits` integer DEFAULT 0 NOT NULL,
	`started_at` integer NOT NULL,
	`heartbeat_at` integer NOT NULL,
	`completed_at` integer,
	`duration_ms` integer,
	`last_error` text
);
--> statement-breakpoint
CREATE INDEX `sync_run_summaries_list` ON `sync_run_summaries` (`connection_id`,`id`);--> statement-breakpoint
CREATE INDEX `sync_run_summaries_status` ON `sync_run_summaries` (`status`,`id`);--> statement-breakpoint
CREATE TABLE `webhook_events` (
	`id` text PRIMARY KEY NOT NULL,
	`connection_id` text NOT NULL,
	`source` text NOT NULL,
	`dedupe_key` text NOT NULL,
	`delivery_id` text,
	`type` text NOT NULL,
	`occurred_at` integer NOT NULL,
	`received_at` integer NOT NULL,
	`customer_id` text,
	`card_id` text,
	`contact_id` text,
	`status` text NOT NULL,
	`reason` text,
	`verification` text NOT NULL,
	`flags` text NOT NULL,
	`duplicates` integer DEFAULT 0 NOT NULL,
	`headers` text,
	`body_hash` text NOT NULL,
	`payload` text,
	`folded_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `webhook_events_dedupe` ON `webhook_events` (`connection_id`,`source`,`dedupe_key`);--> statement-breakpoint
CREATE INDEX `webhook_events_unfolded` ON `webhook_events` (`connection_id`,`folded_at`,`id`) WHERE "webhook_events"."folded_at" is null;--> statement-breakpoint
CREATE INDEX `webhook_events_list` ON `webhook_events` (`connection_id`,`id`) WHERE "webhook_events"."folded_at" is not null;--> statement-breakpoint
CREATE INDEX `webhook_events_status` ON `webhook_events` (`status`,`id`) WHERE "webhook_events"."status" in ('skipped', 'waiting', 'rejected');--> statement-breakpoint
CREATE INDEX `webhook_events_customer` ON `webhook_events` (`connection_id`,`customer_id`,`id`) WHERE "webhook_events"."customer_id" is not null and "webhook_events"."folded_at" is not null;--> statement-breakpoint
CREATE INDEX `webhook_events_card` ON `webhook_events` (`connection_id`,`card_id`,`id`) WHERE "webhook_events"."card_id" is not null and "webhook_events"."folded_at" is not null;--> statement-breakpoint
CREATE INDEX `webhook_events_contact` ON `webhook_events` (`connection_id`,`contact_id`,`id`) WHERE "webhook_events"."contact_id" is not null and "webhook_events"."folded_at" is not null;--> statement-breakpoint
CREATE INDEX `webhook_events_delivery` ON `webhook_events` (`connection_id`,`source`,`delivery_id`) WHERE "webhook_events"."delivery_id" is not null;