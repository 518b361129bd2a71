CREATE TABLE `ghl_call_budgets` (
	`connection_id` text PRIMARY KEY NOT NULL,
	`day` integer NOT NULL,
	`used` integer NOT NULL,
	`per_day` integer,
	`updated_at` integer NOT NULL
);
