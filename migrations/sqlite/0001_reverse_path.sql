CREATE TABLE `contact_marks` (
	`connection_id` text NOT NULL,
	`ghl_contact_id` text NOT NULL,
	`mark` text NOT NULL,
	`event_ids` text NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`next_attempt_at` integer,
	`reason` text,
	`marked_at` integer NOT NULL,
	PRIMARY KEY(`connection_id`, `ghl_contact_id`)
);
--> statement-breakpoint
CREATE TABLE `seen_segments` (
	`connection_id` text NOT NULL,
	`segment` text NOT NULL,
	`name` text NOT NULL,
	`seen_at` integer NOT NULL,
	PRIMARY KEY(`connection_id`, `segment`)
);
