CREATE TABLE "former_details" (
	"connection_id" text NOT NULL,
	"clue" text NOT NULL,
	"stickycards_id" text NOT NULL,
	CONSTRAINT "former_details_connection_id_clue_stickycards_id_pk" PRIMARY KEY("connection_id","clue","stickycards_id")
);
--> statement-breakpoint
CREATE TABLE "waiting_deliveries" (
	"connection_id" text NOT NULL,
	"event_id" text NOT NULL,
	"clue" text NOT NULL,
	"tell_at" timestamp (3) with time zone,
	CONSTRAINT "waiting_deliveries_connection_id_event_id_clue_pk" PRIMARY KEY("connection_id","event_id","clue")
);
--> statement-breakpoint
CREATE INDEX "waiting_deliveries_clue" ON "waiting_deliveries" USING btree ("connection_id","clue");--> statement-breakpoint
CREATE INDEX "waiting_deliveries_tell" ON "waiting_deliveries" USING btree ("connection_id","tell_at") WHERE "waiting_deliveries"."tell_at" is not null;