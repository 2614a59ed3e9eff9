using BankingEngine.Application.Ports;
using BankingEngine.Host.Webhooks;

namespace BankingEngine.Host.Journals;

/// <summary>What followers of a book need beside its journal.</summary>
public sealed partial class RunningBook
{
    private IPositions? _positions;
    private WebhookSecrets? _webhookSecrets;

    /// <summary>Where consumer groups and webhooks stand: in the book's folder, unless the journal's store is
    /// shared; then there.</summary>
    public IPositions Positions
    {
        get => LazyInitializer.EnsureInitialized(
            ref _positions, () => SharedStores.Positions(Place, _journal.Identity));
        set => _positions = value;
    }

    public WebhookSecrets WebhookSecrets =>
        LazyInitializer.EnsureInitialized(ref _webhookSecrets, () => new WebhookSecrets(this));

    /// <summary>Where webhooks may send; as configured by the host that serves the book.</summary>
    public WebhookRules WebhookRules { get; set; } = WebhookRules.Strict;
}
