-- When another host was seen to serve its address, or an owner said so: a MoveOut can't be undone from here on.
ALTER TABLE instances ADD COLUMN handed_over_at timestamptz;
