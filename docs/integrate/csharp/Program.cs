// Cancels one order at the till, or shows the badge of a POS screen.
//   dotnet run -- capture ORDER_ID TRANSACTION_NUMBER
//   dotnet run -- badge
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Tillwire.V1;

string socketPath = Environment.GetEnvironmentVariable("TILLWIRE_SOCKET") ?? "/run/tillwire/capture.sock";
var handler = new SocketsHttpHandler
{
    ConnectCallback = async (_, cancellation) =>
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    },
};
// The address only says "plaintext"; the handler goes to the socket.
using var channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler });
var agent = new CaptureService.CaptureServiceClient(channel);
switch (args)
{
    case ["capture", var orderId, var transaction]:
        return await CaptureAsync(agent, Cancellation(orderId, transaction), TimeSpan.FromSeconds(15));
    case ["badge"]:
        await ShowBadgeAsync(agent);
        return 0;
    default:
        Console.Error.WriteLine("usage: capture ORDER_ID TRANSACTION_NUMBER | badge");
        return 2;
}

static CaptureEventRequest Cancellation(string orderId, string transaction) => new()
{
    // One key for one action, the same for every repeat of it, also after a restart of this program.
    IdempotencyKey = $"pos-{transaction}-cancel",
    OperatorId = "117",
    TransactionSequenceNumber = transaction,
    OrderCancellation = new OrderCancellation
    {
        OrderId = orderId,
        Scope = CancellationScope.WholeOrder,
        Initiator = CancellationInitiator.Customer,
        Reason = CancellationReason.CustomerRequest,
        ReleasePolicy = ReleasePolicy.OnPutBack,
    },
};

// Returns 0 recorded, 1 or 2 not recorded by a mistake of ours, 3 not recorded, 4 unknown.
static async Task<int> CaptureAsync(CaptureService.CaptureServiceClient agent, CaptureEventRequest request,
    TimeSpan patience)
{
    DateTime giveUpTime = DateTime.UtcNow + patience;
    for (int pause = 100; ; pause = Math.Min(2 * pause, 2000))
    {
        try
        {
            // On disk it takes milliseconds; the deadline is for a disk that hangs.
            var answer = await agent.CaptureEventAsync(request, deadline: DateTime.UtcNow.AddSeconds(5));
            Console.WriteLine($"recorded {answer.EventId}{(answer.Repeated ? " (by an earlier attempt)" : "")}");
            return 0;
        }
        catch (RpcException error)
        {
            int exitCode = error.StatusCode switch
            {
                StatusCode.InvalidArgument => 2, // the text names the field and the remedy: a mistake in this program
                StatusCode.AlreadyExists => 1, // this key stands for something else: another mistake
                StatusCode.ResourceExhausted or StatusCode.DataLoss => 3, // tell the associate, and call support
                _ => 4, // no agent, a broken connection, a deadline: it may be recorded or not
            };
            bool repeat = exitCode == 4 && DateTime.UtcNow.AddMilliseconds(pause) < giveUpTime;
            string outcome = repeat ? "no answer yet, repeating with the same key"
                : exitCode == 4 ? "unknown whether it is recorded: keep the request, and repeat it later"
                : "not recorded";
            Console.Error.WriteLine($"{outcome}: {error.StatusCode}: {error.Status.Detail}");
            if (!repeat) return exitCode;
        }
        await Task.Delay(pause);
    }
}

static async Task ShowBadgeAsync(CaptureService.CaptureServiceClient agent)
{
    while (true)
    {
        try
        {
            // An update comes at once, then with every change. The age grows without one, so watch anew every half
            // minute.
            using var call = agent.WatchEvents(new WatchEventsRequest(), deadline: DateTime.UtcNow.AddSeconds(30));
            await foreach (var update in call.ResponseStream.ReadAllAsync())
            {
                var outbox = update.Status.Outbox;
                TimeSpan age = TimeSpan.FromSeconds(outbox.OldestPendingSeconds);
                string oldest = age.TotalMinutes < 1 ? $"{age.Seconds} s" : $"{(int)age.TotalMinutes} min";
                Console.WriteLine($"{outbox.Pending} pending" + (outbox.Pending > 0 ? $", oldest {oldest}" : "")
                    + (outbox.Parked > 0 ? $", {outbox.Parked} parked" : ""));
            }
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.DeadlineExceeded)
        {
        }
        catch (RpcException error)
        {
            Console.WriteLine($"no word from the agent: {error.Status.Detail}"); // it is stopping, or not running
            await Task.Delay(1000);
        }
    }
}
