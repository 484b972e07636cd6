# A new server's settings, once and only once: a setting that has a row is the customer's own and is never touched again.
# Run by `bin/rails runner`; may be run any number of times.

wanted = {
  # Days. Blank would keep other servers' media for ever; this is not the content cache, which would delete posts.
  'media_cache_retention_period' => 7,
  'registrations_mode' => 'none',
  'site_contact_username' => ENV['OWNER_USERNAME'].to_s,
}

wanted.each do |name, value|
  next if value == ''
  next unless Setting.find_by(var: name).nil?

  Setting[name] = value
end
