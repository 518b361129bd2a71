CREATE TABLE "contact_marks" (
	"connection_id" text NOT NULL,
	"ghl_contact_id" text NOT NULL,
	"mark" text NOT NULL,
	"event_ids" jsonb NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp (3) with time zone,
	"reason" text,
	"marked_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "contact_marks_connection_id_ghl_contact_id_pk" PRIMARY KEY("connection_id","ghl_contact_id")
);
--> statement-breakpoint
CREATE TABLE "seen_segments" (
	"connection_id" text NOT NULL,
	"segment" text NOT NULL,
	"name" text NOT NULL,
	"seen_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "seen_segments_connection_id_segment_pk" PRIMARY KEY("connection_id","segment")
);
