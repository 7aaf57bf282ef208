# Sidekiq for the tests of frameworks. As a program: ruby sidekiq_job.rb VERB N [FIRST]; REDIS_URL names the server, GATE a
# file: jobs run until it exists; JOB_MS: how long one takes; RECORD_FILE: a line for each job done. `sidekiq -r ./sidekiq_job.rb` works.
require "sidekiq"
require "sidekiq/api"

class GatedJob
  include Sidekiq::Worker
  sidekiq_options retry: 0
  def perform(n)
    sleep 0.01 until File.exist?(ENV["GATE"])
    raise "it was to fail" if n < 0
    sleep ENV["JOB_MS"].to_i / 1000.0
    File.open(ENV["RECORD_FILE"], "a") { |f| f.write("#{n}\n") } if ENV["RECORD_FILE"]
  end
end

class RetriedJob < GatedJob
  sidekiq_options retry: 3
  sidekiq_retry_in { 3600 }
end

if $PROGRAM_NAME == __FILE__
  Sidekiq.logger.level = Logger::WARN
  n = ARGV[1].to_i
  first = ARGV[2].to_i
  case ARGV[0]
  when "put" then n.times { |i| GatedJob.perform_async(first + i) }
  when "put-failing" then n.times { GatedJob.perform_async(-1) }
  when "put-retrying" then n.times { RetriedJob.perform_async(-1) }
  when "count"  # what it counts itself
    puts [Sidekiq::Queue.new("default").size, Sidekiq::Workers.new.size, Sidekiq::ScheduledSet.new.size + Sidekiq::RetrySet.new.size,
          Sidekiq::DeadSet.new.size].join(" ")
  when "purge" then Sidekiq::Queue.new("default").clear && Sidekiq::ScheduledSet.new.clear
  when "put-mail" then n.times { |i| Sidekiq::Client.push("class" => "GatedJob", "args" => [i], "queue" => "mail") }
  when "put-later" then n.times { |i| GatedJob.perform_in(3600, i) }
  when "put-due" then n.times { |i| Sidekiq.redis { |r| r.zadd("schedule", (Time.now.to_f - 1).to_s, Sidekiq.dump_json({"class" => "GatedJob", "args" => [i], "queue" => "default", "jid" => "due#{i}"})) } }
  when "put-due-mail" then n.times { |i| Sidekiq.redis { |r| r.zadd("schedule", (Time.now.to_f - 1).to_s, Sidekiq.dump_json({"class" => "GatedJob", "args" => [i], "queue" => "mail", "jid" => "mail#{i}"})) } }
  end
end
