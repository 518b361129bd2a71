ALTER TABLE `connections` ADD `pause` text;--> statement-breakpoint
-- Who is paused now was paused by a person.
UPDATE `connections` SET `pause` = coalesce(`reason`, 'paused') WHERE `state` = 'paused';
