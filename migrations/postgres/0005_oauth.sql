CREATE TABLE "oauth_refreshes" (
	"connection_id" text PRIMARY KEY NOT NULL,
	"holder" text,
	"locked_until" timestamp (3) with time zone,
	"rest_until" timestamp (3) with time zone,
	"failure" jsonb
);
--> statement-breakpoint
CREATE TABLE "oauth_states" (
	"state_hash" text PRIMARY KEY NOT NULL,
	"connection_id" text NOT NULL,
	"redirect_uri" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone
);
