CREATE TABLE `oauth_refreshes` (
	`connection_id` text PRIMARY KEY NOT NULL,
	`holder` text,
	`locked_until` integer,
	`rest_until` integer,
	`failure` text
);
--> statement-breakpoint
CREATE TABLE `oauth_states` (
	`state_hash` text PRIMARY KEY NOT NULL,
	`connection_id` text NOT NULL,
	`redirect_uri` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`used_at` integer
);
