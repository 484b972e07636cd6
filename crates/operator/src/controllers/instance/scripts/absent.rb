# After an import: a bundle brings no file of another server's. Rows that say that one is here are told otherwise, so that Mastodon fetches it
# when somebody looks (UP:app/controllers/media_proxy_controller.rb, needs_redownload?). It is what `tootctl media remove --days=0` does,
# with `--prune-profiles --include-follows`, and `tootctl emoji purge --remote-only`, which would ask the bucket for each of them.
# Run by `bin/rails runner`; may be run any number of times.

def absent(attachment)
  %w(file_name content_type file_size updated_at).map { |column| "#{attachment}_#{column} = NULL" }.join(', ')
end

[
  "UPDATE media_attachments SET #{absent('file')}, #{absent('thumbnail')} " \
  "WHERE remote_url <> '' AND (file_file_name IS NOT NULL OR thumbnail_file_name IS NOT NULL)",
  "UPDATE accounts SET #{absent('avatar')}, #{absent('header')} " \
  'WHERE domain IS NOT NULL AND (avatar_file_name IS NOT NULL OR header_file_name IS NOT NULL)',
  "UPDATE preview_cards SET #{absent('image')} WHERE image_file_name IS NOT NULL",
  'DELETE FROM custom_emojis WHERE domain IS NOT NULL',
].each { |statement| ActiveRecord::Base.connection.execute(statement) }
