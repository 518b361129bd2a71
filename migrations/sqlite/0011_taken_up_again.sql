-- Deliveries that were left waiting for a card although it is known are folded once more.
UPDATE `webhook_events` SET `status` = 'received', `reason` = NULL, `folded_at` = NULL
WHERE `status` = 'waiting' AND `payload` IS NOT NULL AND EXISTS (
  SELECT 1 FROM `sticky_cards_cards` card
  WHERE card.connection_id = `webhook_events`.connection_id AND card.card_id = `webhook_events`.card_id
);