-- What happened first in a sign-in stands in its row until more happens: most of those who are sent away do not come back.
ALTER TABLE sign_ins ADD COLUMN first_step TEXT;
ALTER TABLE sign_ins ADD COLUMN first_request_id VARCHAR(64);
CREATE INDEX sign_ins_first_request ON sign_ins (first_request_id);
