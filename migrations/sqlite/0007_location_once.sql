ALTER TABLE `connections` ADD `ghl_location_id` text;--> statement-breakpoint
UPDATE `connections` SET `ghl_location_id` = `settings` ->> '$.ghlLocationId'
WHERE `id` = (
  SELECT other.id FROM `connections` other WHERE other.settings ->> '$.ghlLocationId' = `connections`.`settings` ->> '$.ghlLocationId'
  ORDER BY CASE other.mode WHEN 'live' THEN 0 ELSE 1 END, other.created_at, other.id LIMIT 1
);--> statement-breakpoint
DELETE FROM `problem_records` WHERE `problem_id` NOT IN (SELECT `id` FROM `problems`);--> statement-breakpoint
CREATE UNIQUE INDEX `connections_location` ON `connections` (`ghl_location_id`);